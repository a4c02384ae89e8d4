"""Pictures that were kept as they came get their sizes and formats; one that is gone or cannot be read is dropped.

Not in one transaction: the storage may be far away. What was done stays done if it is interrupted.
"""

from django.core.exceptions import ValidationError
from django.core.files.storage import default_storage
from django.db import migrations, models
from django.db.models import Q

from orders import pictures


def remake(apps, schema_editor):
    for product in apps.get_model("orders", "Product").objects.exclude(picture="").filter(picture_width=0):
        old = product.picture.name
        try:
            with default_storage.open(old) as file:
                made = pictures.prepare(file)
        except (FileNotFoundError, ValidationError):
            made = None
        if made:
            pictures.store(made)
        product.picture = made.name if made else ""
        product.picture_width, product.picture_height = (made.width, made.height) if made else (0, 0)
        product.save(update_fields=["picture", "picture_width", "picture_height"])
        if made:
            default_storage.delete(old)


class Migration(migrations.Migration):
    atomic = False
    dependencies = [("orders", "0012_goods_in_categories")]
    operations = [
        migrations.RunPython(remake, migrations.RunPython.noop),
        migrations.AddConstraint(
            model_name="product",
            constraint=models.CheckConstraint(
                condition=Q(picture="") | Q(picture_width__gt=0, picture_height__gt=0), name="picture_has_its_size"
            ),
        ),
    ]
