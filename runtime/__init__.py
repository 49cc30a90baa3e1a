"""What runs in Lambda: handlers at the edge, the domain in the middle, channels both ways."""
