"""The Lambda functions, one file each: read the environment once, parse, make one call."""
