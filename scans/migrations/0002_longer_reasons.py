# Three or four producers' codes stand in one reason.

from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('scans', '0001_initial'),
    ]

    operations = [
        migrations.AlterField(
            model_name='scanitem',
            name='reason',
            field=models.CharField(blank=True, max_length=120),
        ),
    ]
