from hypothesis import settings

# A busy machine is no failure; as many examples as stay quick.
settings.register_profile("without time limits", deadline=None, max_examples=25)
settings.load_profile("without time limits")
