"""Inputs: what the package carries (`sample.sample_path`) and what it fetches by manifest (`fetch.fetch`).

`manifest` says what is known of each resource, `sources` gets the bytes, `cache` keeps what is verified.
Nothing outside this subpackage touches the network.
"""
