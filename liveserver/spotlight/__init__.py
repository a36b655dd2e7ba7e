"""The product that the host holds into the camera: one card, set and cleared, and bought from at its fixed price.

The room decides who gets the last piece, in the log's order. Orders and payments follow from the record (`liveserver.sales`).
"""
