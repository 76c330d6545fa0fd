"""What a statement comes to: by outcome, and by currency and meaning beside what the file itself says."""

from django.db.models import Count, Q, Sum

from earnings.models import Meaning, StatementRow

Outcome = StatementRow.Outcome
TAKEN = (Outcome.WAITING, Outcome.BOOKED)


def counts(statement):
    """{outcome: rows}, every outcome in its order, those without rows too."""
    found = dict(statement.rows.order_by().values_list("outcome").annotate(Count("id")))
    return {outcome: found.get(outcome, 0) for outcome in Outcome.values}


def totals(statement):
    """A dict for each currency, by its code.

    `net` is what the file's own rows sum to and `own_net` what it says itself, or None; `earned` and `paid_out`
    are what booking adds to the figures; `meanings` are `{meaning, rows, taken, gross, fee, net}` in minor units.
    """
    sums = (
        statement.rows.exclude(outcome=Outcome.REFUSED)
        .order_by("currency")
        .values("currency", "meaning")
        .annotate(
            rows=Count("id"),
            taken=Count("id", filter=Q(outcome__in=TAKEN)),
            gross=Sum("gross_minor"),
            fee=Sum("fee_minor"),
            net=Sum("net_minor"),
            printed=Sum("net_minor", filter=Q(is_printed=True), default=0),
            moved=Sum("net_minor", filter=Q(outcome__in=TAKEN), default=0),
        )
    )
    order = {meaning: at for at, meaning in enumerate(Meaning.values)}
    found = {}
    for row in sorted(sums, key=lambda row: (row["currency"], order[row["meaning"]])):
        own = statement.own_totals.get(row["currency"], {}).get("net")
        total = found.setdefault(
            row["currency"],
            {
                **{"currency": row["currency"], "net": 0, "own_net": own},
                **{"earned": 0, "paid_out": 0, "meanings": []},
            },
        )
        total["net"] += row["printed"]
        if row["meaning"] == Meaning.PAYOUT:
            total["paid_out"] -= row["moved"]
        else:
            total["earned"] += row["moved"]
        names = ("meaning", "rows", "taken", "gross", "fee", "net")
        total["meanings"].append({name: row[name] for name in names})
    return list(found.values())
