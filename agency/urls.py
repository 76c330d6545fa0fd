from django.urls import path

from agency import portal_pages

app_name = "portal"
urlpatterns = [
    path("work/<str:token>/", portal_pages.show, name="order"),
    path("work/<str:token>/accept/", portal_pages.accept, name="accept"),
    path("work/<str:token>/revision/", portal_pages.request_revision, name="revision"),
    path("work/<str:token>/files/<int:pk>/", portal_pages.send_file, name="file"),
]
