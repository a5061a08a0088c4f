"""Clerks of a shop: no more than Django asks of a user, under a number and without an address."""
from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.db import models


class Manager(BaseUserManager):
    def create_user(self, login, password=None):
        clerk = self.model(login=login)
        clerk.set_password(password)
        clerk.save()
        return clerk


class Clerk(AbstractBaseUser):
    number = models.BigAutoField(primary_key=True)
    login = models.CharField(max_length=40, unique=True)

    objects = Manager()

    USERNAME_FIELD = "login"

    class Meta:
        db_table = "Shop_Clerks"
