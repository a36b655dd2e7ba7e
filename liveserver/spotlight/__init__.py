"""The product that the host holds into the camera: one card, set and cleared. Sells nothing by itself."""
