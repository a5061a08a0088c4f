from django.urls import include, path
from rest_framework_simplejwt import views

from . import views as own

urlpatterns = [
    path("v1/accounts/", include("djoser.urls")),
    path("v1/login/", own.Login.as_view()),
    path("v1/renew/", views.TokenRefreshView.as_view()),
]
