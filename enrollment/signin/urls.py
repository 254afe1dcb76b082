"""Addresses under `/accounts/`."""

from django.urls import path

from enrollment.signin import tokens, views

app_name = "signin"
urlpatterns = [
    path("login/", views.SignIn.as_view(), name="login"),
    path("logout/", views.SignOut.as_view(), name="logout"),
    path("tokens/", tokens.page, name="tokens"),
    path("tokens/<int:token_id>/end/", tokens.end, name="token-end"),
    path("password/", views.ChangePassword.as_view(), name="password"),
]
