"""Chat of a show: messages, moderation, mutes and bans. Knows nothing of auctions but the names of what a ban forbids."""
