"""The pages that people work on: the board of cases, one case, my actions.

They are rendered on the server. A form is sent to a route of a page, which calls what answers the API, as who is signed in.
"""
