from django.contrib.auth.models import AbstractUser
from django.db import models


def new_code():
    return "c-1"


class Customer(AbstractUser):
    email = models.EmailField(unique=True)
    discount = models.IntegerField(default=0)
    code = models.CharField(max_length=8, default=new_code)
    note = models.TextField(null=True)

    USERNAME_FIELD = "email"
    REQUIRED_FIELDS = ["username"]
