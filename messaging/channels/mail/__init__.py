"""Mail that came in: bytes in, a `ReceivedMessage` out. Pure: no network, no database, no clock."""
