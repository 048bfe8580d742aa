"""The pages on which items are audited, on which sampling is planned and seen, and on which those who audit are arranged.

They are rendered on the server. A form is sent to a route of a page, which calls what answers the API, as who is signed in.
"""
