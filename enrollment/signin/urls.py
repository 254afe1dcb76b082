"""Addresses under `/accounts/`."""

from django.urls import path

from enrollment.signin import asking, factors, openid, tokens, views

app_name = "signin"
urlpatterns = [
    path("login/", views.SignIn.as_view(), name="login"),
    path("oidc/", openid.begin, name="oidc"),
    path("oidc/callback/", openid.finish, name="oidc-callback"),
    path("logout/", views.SignOut.as_view(), name="logout"),
    path("tokens/", tokens.page, name="tokens"),
    path("tokens/<int:token_id>/end/", tokens.end, name="token-end"),
    path("second-factor/", asking.page, name="second-factor"),
    path("factors/", factors.page, name="factors"),
    path("factors/app/", factors.add_app, name="factor-app"),
    path("factors/passkey/", factors.add_passkey, name="factor-passkey"),
    path("factors/codes/", factors.make_codes, name="recovery-codes"),
    path("factors/<int:factor_id>/remove/", factors.remove, name="factor-remove"),
    path("password/", views.ChangePassword.as_view(), name="password"),
]
