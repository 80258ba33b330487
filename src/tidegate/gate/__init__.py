"""The validating webhook: AdmissionReview to verdict from local state."""
