from django.urls import path, re_path

from storefront import cart_pages, checkout_pages, feeds, library_pages, payment_webhooks, sitemaps, views

app_name = "storefront"
urlpatterns = [
    path("", views.home, name="home"),
    path("catalog/", views.catalog, name="catalog"),
    path("products/<slug:slug>/", views.product, name="product"),
    path("services/", views.services, name="services"),
    path("services/<slug:slug>/", views.service, name="service"),
    path("portfolio/", views.portfolio, name="portfolio"),
    path("portfolio/<slug:slug>/", views.story, name="story"),
    path("portfolio/<slug:slug>/image", views.story_image, name="story_image"),
    path("cart/", cart_pages.show, name="cart"),
    path("cart/add/", cart_pages.add, name="cart_add"),
    path("cart/change/", cart_pages.change, name="cart_change"),
    path("checkout/", checkout_pages.checkout_page, name="checkout"),
    path("checkout/pay/<slug:token>/", checkout_pages.pay, name="pay"),
    path("checkout/back/<slug:token>/", checkout_pages.back_to_cart, name="back_to_cart"),
    path("checkout/to/<slug:token>/", checkout_pages.to_provider, name="to_provider"),
    path("checkout/paid/<slug:token>/", checkout_pages.paid_elsewhere, name="paid_elsewhere"),
    path("checkout/demo/<slug:token>/", checkout_pages.demo_payment, name="demo_payment"),
    path("checkout/invoice/<slug:token>/", checkout_pages.invoice, name="invoice"),
    path("payments/stripe/webhook/", payment_webhooks.stripe_webhook, name="stripe_webhook"),
    path("orders/", library_pages.find_orders, name="find_orders"),
    path("orders/<slug:token>/", library_pages.receipt, name="order"),
    path("orders/<slug:token>/files/<int:entitlement>/<int:file>/", library_pages.get_file, name="get_file"),
    path("files/<str:signed>/", library_pages.send_file, name="send_file"),
    path("purchases/<str:signed>/", library_pages.list_purchases, name="purchases"),
    path("feed/", feeds.NewProducts(), name="feed"),
    path("sitemap.xml", sitemaps.index, name="sitemap"),
    re_path(r"^sitemap-(?P<name>pages|services|portfolio)\.xml$", sitemaps.section, name="sitemap_section"),
    path("sitemap-products-<int:part>.xml", sitemaps.products, name="sitemap_products"),
    path("icon.svg", views.icon, name="icon"),
    path("robots.txt", views.robots, name="robots"),
]
