from rest_framework_simplejwt.views import TokenObtainPairView


class Login(TokenObtainPairView):
    pass
