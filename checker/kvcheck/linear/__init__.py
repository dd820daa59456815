"""Linearizability: do histories of concurrent calls agree with the contract, one call at a time?"""
