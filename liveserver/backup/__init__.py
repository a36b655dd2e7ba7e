"""Backups that are proven: the record, the files beside it and the settings in one archive, and the way back.

Redis is not in it: everything acknowledged is in the record a moment later, and logs are opened anew from it. Which shows
follow from their logs is asked of the caller, who knows the shows' features.
"""
