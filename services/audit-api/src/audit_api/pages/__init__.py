"""The pages on which items are audited, and on which sampling is seen.

They are rendered on the server. A form is sent to a route of a page, which calls what answers the API, as who is signed in.
"""
