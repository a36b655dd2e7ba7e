"""Video by LiveKit: who may be seen, heard and watch in a show, and who is on stage.

It carries no picture and no sound: people's browsers get those from the LiveKit server, with the short-lived tokens made here.
"""
