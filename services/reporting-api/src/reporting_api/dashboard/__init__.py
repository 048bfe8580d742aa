"""The pages that people see: sign-in, the dashboard, the definitions, and a page for each type of problem.

They are rendered on the server, from the same functions that answer the API: no number on a page is made here.
"""
