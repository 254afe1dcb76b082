"""Who is asking: sign-in of programs and of browsers, and which posts are believed.

`methods` are the ways to prove it, `belief` is what they can say, `challenge` asks for it,
`middleware` refuses whoever did not answer, `posts` refuses what another site made a browser send.
`credentials` and `verified` are what Basic is made of. Nothing here decides about certificates.
"""
