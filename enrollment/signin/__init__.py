"""Who is asking: sign-in of programs and of browsers, and which posts are believed.

`credentials` reads what a program sent, `verified` remembers for a short while that it was
right, `challenge` asks for it, `middleware` refuses whoever did not answer, `posts` refuses what
another site made a browser send. Nothing here decides about certificates.
"""
