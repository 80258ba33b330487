"""Other tools' reports to findings: bytes in, a value or a refusal out; no I/O, no clock, no trust.

Each module is a plug-in of group `tidegate.formats`, registered as everyone's are. What a report
says counts only once a worker has signed it under its own key (`tidegate.scan`).
"""
