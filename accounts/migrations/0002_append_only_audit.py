from django.db import migrations

from accounts.append_only import CREATE_FUNCTION, append_only


class Migration(migrations.Migration):
    dependencies = [("accounts", "0001_initial")]

    operations = [CREATE_FUNCTION, append_only("accounts_auditevent")]
