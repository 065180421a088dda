"""The whole outside of the engine, a module for each seam: clock, ledger, transport, artifact store.

Every seam is plural: what is done to one thing is done to many in one call. A ``Store`` gives transactions; the rows
of each noun are reached through the ``Ledger`` of a transaction. Names are imported from their own modules.
"""
