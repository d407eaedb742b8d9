"""Hotline text 热线文本: classes, urgency, places, copies and rising topics. Lists of texts in, columns out."""
