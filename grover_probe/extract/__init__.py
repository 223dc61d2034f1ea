"""The one pass: windows of tokens go through a model, and reducers meet the hidden states in memory."""
