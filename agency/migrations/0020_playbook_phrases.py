"""More ways to say what the first playbooks are for, in English and Turkish.

A playbook whose phrases staff have edited is left as it is.
"""

from importlib import import_module

from django.db import migrations

SEEDED = {entry["slug"]: entry["phrases"] for entry in import_module("agency.migrations.0003_playbooks").PLAYBOOKS}
PHRASES = {
    "boost-revenue": [
        "Sell more of our services",
        "Sell more products",
        "Attract more customers",
        "Get new customers",
        "Find new customers",
        "Win new clients",
        "Make our gigs attractive to buyers",
        "Improve our gigs",
        "Optimize the gig titles and tags",
        "Daha çok satış yap",
        "Hizmet satışlarını yükselt",
        "Yeni müşteri bul",
        "Yeni müşteri kazan",
        "Daha çok müşteri çek",
        "İlanlarımızı iyileştir",
        "İlan başlıklarını düzelt",
    ],
    "maximize-profit": [
        "Make more money",
        "Earn more",
        "Be more profitable",
        "Make the business more profitable",
        "Improve profit margins",
        "Advertise the services we offer",
        "Advertise our gigs",
        "Market what we offer",
        "Kârlılığı yükselt",
        "Daha çok para kazan",
        "Kazancı artır",
        "Kâr marjını büyüt",
        "Daha kârlı ol",
        "Hizmetlerimizi tanıt",
        "Hizmetler için reklam yap",
    ],
    "launch-product": [
        "Put new products on sale",
        "Put the new collection on sale",
        "List approved products",
        "Bring new products live",
        "Get the approved products online",
        "Announce new products",
        "Go live with the collection",
        "Open the storefront",
        "Yeni ürünleri yayına al",
        "Yeni ürünü satışa çıkar",
        "Onaylanan ürünleri yayınla",
        "Onaylanan ürünleri mağazaya koy",
        "Yeni koleksiyonu duyur",
        "Mağazayı kur",
        "Lansman yap",
    ],
    "fulfill-orders": [
        "Complete all orders",
        "Get the orders done",
        "Take care of pending orders",
        "Ship what customers ordered",
        "Make what clients ordered",
        "Work off the order backlog",
        "Deliver the work to clients",
        "Bekleyen siparişleri bitir",
        "Siparişleri hazırla",
        "Siparişleri işle",
        "Açık siparişleri sonuçlandır",
        "Müşterilerin işlerini teslim et",
        "Sipariş kuyruğunu bitir",
    ],
    "health-check": [
        "Check the health of the shop",
        "Check the shop",
        "Is everything all right",
        "Is everything in the shop fine",
        "Look for errors",
        "Find mistakes on the pages",
        "Make sure nothing is broken",
        "Check the inventory",
        "Check prices and stock",
        "Inspect the product pages",
        "Are prices and pages correct",
        "Her şeyi kontrol et",
        "Her şey yolunda mı",
        "Sağlık kontrolü yap",
        "Sorunları bul",
        "Hataları bul",
        "Ürün sayfalarını denetle",
        "Mağazada sorun var mı",
        "Stokları ve fiyatları kontrol et",
    ],
}


def add(apps, schema_editor):
    playbooks = apps.get_model("agency", "Playbook").objects
    for slug, phrases in PHRASES.items():
        seeded = SEEDED[slug]
        playbooks.filter(slug=slug, phrases="\n".join(seeded)).update(phrases="\n".join(seeded + phrases))


def take_away(apps, schema_editor):
    playbooks = apps.get_model("agency", "Playbook").objects
    for slug, phrases in PHRASES.items():
        seeded = SEEDED[slug]
        playbooks.filter(slug=slug, phrases="\n".join(seeded + phrases)).update(phrases="\n".join(seeded))


class Migration(migrations.Migration):
    dependencies = [("agency", "0023_webhooks")]
    operations = [migrations.RunPython(add, take_away)]
