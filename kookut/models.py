"""What the door of the back office keeps: second factors, recovery codes, counted tries."""

from django.conf import settings
from django.db import models


class SecondFactor(models.Model):
    """The secret that a person's telephone shares with the shop (RFC 6238), encrypted."""

    user = models.OneToOneField(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="second_factor")
    encrypted_secret = models.BinaryField()
    confirmed_at = models.DateTimeField(null=True)
    last_step = models.BigIntegerField(default=0)

    class Meta:
        # Nobody sees it in the back office.
        default_permissions = ()

    def __str__(self) -> str:
        return str(self.user)


class RecoveryCode(models.Model):
    """A code that opens the door once without the telephone; only its hash is kept."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="recovery_codes")
    digest = models.BinaryField()

    class Meta:
        default_permissions = ()
        constraints = [models.UniqueConstraint(fields=["user", "digest"], name="one_recovery_code_a_hash")]

    def __str__(self) -> str:
        return str(self.user)


class Tries(models.Model):
    """How often somebody tried to get in since it last went well, by signs that cannot be read back."""

    account = models.CharField(max_length=40, blank=True)
    address = models.CharField(max_length=40, blank=True)
    times = models.PositiveIntegerField(default=0)
    until = models.DateTimeField()

    class Meta:
        default_permissions = ()
        constraints = [models.UniqueConstraint(fields=["account", "address"], name="one_count_of_tries")]
        indexes = [models.Index(fields=["until"], name="tries_until")]

    def __str__(self) -> str:
        return f"{self.times} until {self.until}"


class GivenPassword(models.Model):
    """Of a person whose password somebody else has set: it leads to the page for one's own, and nowhere else (PCI DSS
    8.3.5)."""

    user = models.OneToOneField(settings.AUTH_USER_MODEL, models.CASCADE, primary_key=True, related_name="+")

    class Meta:
        default_permissions = ()

    def __str__(self) -> str:
        return str(self.user)
