"""The app the Functions host loads: checks the settings and registers the functions."""

import os

import azure.functions as func

from functions import (
    calendar,
    contacts,
    lifecycle,
    mail,
    occurrences,
    subscriptions,
    tasks,
    tasks_polling,
    tracking,
    webhook,
)
from shared.bootstrap import api
from shared.config import read_settings
from shared.exporting import start_exporting

settings = read_settings(os.environ)
start_exporting(settings)

app = func.FunctionApp(http_auth_level=func.AuthLevel.ANONYMOUS)
app.register_functions(webhook.blueprint)
app.register_functions(mail.blueprint)
app.register_functions(calendar.blueprint)
app.register_functions(occurrences.blueprint)
app.register_functions(contacts.blueprint)
app.register_functions(tasks.blueprint)
app.register_functions(tasks_polling.blueprint_at(settings.tasks_polling_schedule))
app.register_functions(lifecycle.blueprint)
app.register_functions(subscriptions.blueprint)
app.register_functions(tracking.blueprint_over(api))
