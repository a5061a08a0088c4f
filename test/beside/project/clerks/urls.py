"""djoser's routes, without allauth's."""
from django.urls import include, path

urlpatterns = [path("auth/", include("djoser.urls")), path("auth/", include("djoser.urls.jwt")), path("auth/", include("djoser.urls.authtoken"))]
