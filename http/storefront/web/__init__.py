"""The server-rendered pages: what each template is given (`context`), how it is rendered, and the handlers behind each address."""
