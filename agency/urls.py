from django.urls import path

from agency import portal_pages

app_name = "portal"
urlpatterns = [
    path("work/<slug:token>/", portal_pages.show, name="order"),
    path("work/<slug:token>/accept/", portal_pages.accept, name="accept"),
    path("work/<slug:token>/revision/", portal_pages.request_revision, name="revision"),
    path("work/<slug:token>/files/<int:pk>/", portal_pages.send_file, name="file"),
]
