"""The untrusted side of the wall: runs students' code and answers probes with plain numbers."""
