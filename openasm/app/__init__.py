"""The workbench: a web application on top of finished runs. Django; server-rendered pages; htmx where a part of a page changes.

How the room is laid out
------------------------
A package a feature, with its models, actions, views, urls, templates (`templates/<feature>/`) and migrations together.

    configuration.py   where data and keys lie (folder and environment); settings.py turns that into Django settings
    server.py          `openasm serve`: folder, migrations, first administrator, waitress
    access/            who may do what: permissions, roles, `@access(...)`, fetching an object and its access together
    audit/             the append-only, hash-chained record of events; page, CSV, verification
    people/            accounts, practices (TIN), systems, memberships, invitations, API tokens, sign-in rules
    published/         the models pages read; `publish_run` loads a run folder in one transaction
    look/              base template, stylesheet, template filters, charts, tables (sort, filter, pages), CSV and XLSX
    prepared.py        queries whose SQL is made once: for what many pages ask at every request
    answering.py       waitress, alone or as one of several processes on a socket
    practices/         the page *Practice*: the example to copy

How to add a page
-----------------
1. A package `openasm/app/<feature>/` with `views.py`, `urls.py`, `templates/<feature>/page.html`; with models also `models.py`,
   `actions.py`, `migrations/`. Add it to `INSTALLED_APPS` in settings.py and its urls to urls.py. Files stay under 400 lines.
2. A view is a function with an access rule. Without one it answers 403 and the tests fail:

       @access(Permission.SEE_SCORES)
       def clinicians(request: PageRequest, practice: Practice) -> HttpResponse: ...

   The URL has `<str:practice>`; the decorator turns that key into the Practice after checking membership: a stranger gets 404, a
   member without the permission 403, nobody signed in a redirect to sign-in. `@access(..., confirm=True)` also asks for the
   password or passkey again (attesting, exporting); `patients=True` gives `request.patients`, the part of the practice's patients
   this person may see: pass it to `Gap.objects.visible(...)`, `Episode.objects.visible(...)` and never query those without it.
   Other rules: `@signed_in`, `@operators`, `@everybody(reason)`.
3. Everything that changes something is an action in `actions.py`: a keyword-only function in one transaction that makes the change
   and records its audit event (`audit.record`). Views clean input with a form and call the action. Seeing patients is an event
   too: `audit.patients_viewed(request, ...)`. No patient identifier goes into an URL, a log, an event or an error: use
   `Patient.key`, a keyed pseudonym.
4. The template extends `look/practice.html` (with the practice's navigation) or `look/page.html`. Entries of the navigation are in
   look/navigation.py. Tables: `look.tables`; charts: `look.charts`; filters: `{% load look %}`; exports: `look.exports`; rows of a
   long table: `{% drawn "<feature>/rows.html" %}` from `drawn/<feature>/` (see look/drawing.py). Pages must
   work without JavaScript; htmx may make them quicker. Inline scripts and styles are forbidden by the content policy: state goes
   into classes and attributes, SVG geometry into SVG attributes.
5. Tests: a line for each URL in the access table of tests/app/access_table.py, a file `tests/app/test_<feature>_*.py` with the cast
   of tests/app/conftest.py, a page in the journey list of tests/app/browser. Query counts are pinned with
   `django_assert_num_queries`.
"""
