"""Our words and Kallima's, and the keys of the page's results with their types."""

from __future__ import annotations

from api.dialects.kallima.kinds import Kind
from jobengine.domain.states import JobState

STATUSES = {
    JobState.PENDING: "pending",
    JobState.RUNNING: "running",
    JobState.SUCCEEDED: "completed",
    JobState.FAILED: "failed",
    JobState.CANCELED: "canceled",
}

STATES = {word: state for state, word in STATUSES.items()}

HUMANIZATION = {
    **dict.fromkeys(("strategy", "humanized_vh", "humanized_vl"), Kind.TEXT),
    **dict.fromkeys(("oasis_score", "mutations", "liabilities", "numbering"), Kind.OBJECT),
    **dict.fromkeys(("vhh_analysis", "scfv_analysis", "fc_analysis"), Kind.OBJECT),
}

_STRUCTURE = {
    **dict.fromkeys(("pdb_storage_path", "model_used"), Kind.TEXT),
    "confidence_score": Kind.NUMBER,
    "per_residue_plddt": Kind.OBJECT,
    "cdr_analysis": Kind.OBJECTS,
    "humanization_result_id": Kind.UUID,
}

_STABILITY = {
    "variant_id": Kind.UUID,
    "ddg_matrix": Kind.OBJECT,
    **dict.fromkeys(("solubility_score", "aggregation_score", "thermostability_score"), Kind.NUMBER),
    **dict.fromkeys(("melting_temp_predicted", "developability_score"), Kind.NUMBER),
    "stabilizing_mutations": Kind.OBJECTS,
    "model_versions": Kind.OBJECT,
    "structure_result_id": Kind.UUID,
}

_IMMUNOGENICITY = {
    "variant_id": Kind.UUID,
    **dict.fromkeys(("mhc1_epitopes", "mhc2_epitopes", "bcell_epitopes", "deimmunization_suggestions"), Kind.OBJECTS),
    **dict.fromkeys(("risk_score", "mhc1_risk", "mhc2_risk", "bcell_risk"), Kind.NUMBER),
    "model_versions": Kind.OBJECT,
}

_COMPLEX = {
    **dict.fromkeys(("variant_id", "antigen_id"), Kind.UUID),
    **dict.fromkeys(("model_used", "pdb_storage_path"), Kind.TEXT),
    **dict.fromkeys(("confidence_score", "iptm"), Kind.NUMBER),
    **dict.fromkeys(("per_chain_plddt", "interface_residues"), Kind.OBJECT),
}

TYPED_RESULTS = {
    "structure_result": ("structure", _STRUCTURE),
    "stability_result": ("stability", _STABILITY),
    "immunogenicity_result": ("immunogenicity", _IMMUNOGENICITY),
    "complex_result": ("complex", _COMPLEX),
}
"""By key of the page: the kind of our results that fills it, and the keys that it has beside its own identity."""
