"""The GitHub Action: announce a release, or any text, on many networks from a workflow."""
