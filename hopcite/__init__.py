"""What every part shares: the nouns, the settings, the errors, the models, the port to a language model."""
