"""Members of a club, who sign in with their address and have no other name: a UUID as key, and a column of every kind."""
import uuid

from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.db import models


class Company(models.Model):
    name = models.CharField(max_length=50)


class Manager(BaseUserManager):
    def create_user(self, email, password=None, **fields):
        member = self.model(email=self.normalize_email(email), **fields)
        member.set_password(password)
        member.save()
        return member


class Member(AbstractBaseUser):
    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    email = models.EmailField(unique=True)
    phone = models.CharField("phone number", max_length=20, unique=True, help_text="With the country's code.")
    nick = models.CharField(max_length=30, blank=True)
    bio = models.TextField(null=True, blank=True)
    age = models.PositiveSmallIntegerField(null=True, blank=True)
    points = models.IntegerField(default=7)
    score = models.BigIntegerField()
    agreed = models.BooleanField()
    newsletter = models.BooleanField(default=True)
    maybe = models.BooleanField(null=True)
    born = models.DateField(null=True, blank=True)
    seen = models.DateTimeField(null=True, blank=True)
    credit = models.DecimalField(max_digits=6, decimal_places=2, default=0)
    ref = models.UUIDField(default=uuid.uuid4, unique=True)
    prefs = models.JSONField(default=dict)
    tags = models.JSONField(null=True, blank=True)
    company = models.ForeignKey(Company, null=True, blank=True, on_delete=models.SET_NULL)
    employer = models.ForeignKey(Company, on_delete=models.PROTECT, related_name="staff")
    created = models.DateTimeField(auto_now_add=True)
    updated = models.DateTimeField(auto_now=True)
    secret = models.CharField(max_length=10, default="kept")
    hour = models.TimeField(null=True)
    is_active = models.BooleanField(default=True)
    is_staff = models.BooleanField(default=False)

    objects = Manager()

    USERNAME_FIELD = "email"
    REQUIRED_FIELDS = ["phone", "nick", "bio", "age", "points", "score", "agreed", "newsletter", "maybe", "born", "seen", "credit", "ref", "prefs", "tags",
                       "company", "employer", "created", "updated"]
