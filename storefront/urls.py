from django.contrib.sitemaps.views import sitemap
from django.urls import path

from storefront import feeds, sitemaps, views

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
    path("feed/", feeds.NewProducts(), name="feed"),
    path("sitemap.xml", sitemap, {"sitemaps": sitemaps.SITEMAPS}, name="sitemap"),
    path("robots.txt", views.robots, name="robots"),
]
