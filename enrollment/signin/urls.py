"""Addresses under `/accounts/`."""

from django.urls import path

from enrollment.signin import views

app_name = "signin"
urlpatterns = [
    path("login/", views.SignIn.as_view(), name="login"),
    path("logout/", views.SignOut.as_view(), name="logout"),
    path("password/", views.ChangePassword.as_view(), name="password"),
]
