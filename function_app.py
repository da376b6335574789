"""The app the Functions host loads: checks the settings and registers the functions."""

import os

import azure.functions as func

from functions import calendar, contacts, lifecycle, mail, occurrences, subscriptions, webhook
from shared.config import read_settings

read_settings(os.environ)

app = func.FunctionApp(http_auth_level=func.AuthLevel.ANONYMOUS)
app.register_functions(webhook.blueprint)
app.register_functions(mail.blueprint)
app.register_functions(calendar.blueprint)
app.register_functions(occurrences.blueprint)
app.register_functions(contacts.blueprint)
app.register_functions(lifecycle.blueprint)
app.register_functions(subscriptions.blueprint)
