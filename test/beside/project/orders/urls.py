from django.urls import path
from rest_framework.response import Response
from rest_framework.views import APIView
from rest_framework_simplejwt.authentication import JWTStatelessUserAuthentication


class Orders(APIView):
    """Says who is calling, by the user's row."""

    def get(self, request):
        return Response({"user": str(request.user.pk), "username": request.user.username})


class StatelessOrders(APIView):
    """Says who is calling, by the token alone."""

    authentication_classes = [JWTStatelessUserAuthentication]

    def get(self, request):
        return Response({"user": str(request.user.pk)})


urlpatterns = [path("orders/", Orders.as_view()), path("stateless/", StatelessOrders.as_view())]
