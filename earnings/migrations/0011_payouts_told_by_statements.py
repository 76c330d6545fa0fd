import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("earnings", "0010_balanced_by_currency"),
    ]

    operations = [
        migrations.AddField(
            model_name="statementrow",
            name="by_hand",
            field=models.ForeignKey(
                db_index=False,
                editable=False,
                help_text="The payout that a person wrote down, and that this row tells of, too.",
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="rows",
                to="earnings.payout",
            ),
        ),
        migrations.AddIndex(
            model_name="statementrow",
            index=models.Index(
                condition=models.Q(("by_hand__isnull", False)), fields=["by_hand"], name="statement_row_by_hand"
            ),
        ),
    ]
