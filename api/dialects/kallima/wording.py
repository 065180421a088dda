"""Our words and Kallima's."""

from __future__ import annotations

from jobengine.domain.states import JobState

STATUSES = {
    JobState.PENDING: "pending",
    JobState.RUNNING: "running",
    JobState.SUCCEEDED: "completed",
    JobState.FAILED: "failed",
    JobState.CANCELED: "canceled",
}

STATES = {word: state for state, word in STATUSES.items()}

_OWN = ("id", "job_id", "created_at")

HUMANIZATION_KEYS = (
    *_OWN,
    *("strategy", "humanized_vh", "humanized_vl", "oasis_score", "mutations", "liabilities"),
    *("numbering", "vhh_analysis", "scfv_analysis", "fc_analysis"),
)

_STRUCTURE = "pdb_storage_path model_used confidence_score per_residue_plddt cdr_analysis humanization_result_id"
_STABILITY = (
    "variant_id ddg_matrix solubility_score aggregation_score thermostability_score melting_temp_predicted "
    "developability_score stabilizing_mutations model_versions structure_result_id"
)
_IMMUNOGENICITY = (
    "variant_id mhc1_epitopes mhc2_epitopes bcell_epitopes deimmunization_suggestions risk_score mhc1_risk mhc2_risk "
    "bcell_risk model_versions"
)
_COMPLEX = "variant_id antigen_id model_used pdb_storage_path confidence_score iptm per_chain_plddt interface_residues"

TYPED_RESULTS = {
    "structure_result": ("structure", (*_OWN, *_STRUCTURE.split())),
    "stability_result": ("stability", (*_OWN, *_STABILITY.split())),
    "immunogenicity_result": ("immunogenicity", (*_OWN, *_IMMUNOGENICITY.split())),
    "complex_result": ("complex", (*_OWN, *_COMPLEX.split())),
}
"""By key of the page: the kind of our results that fills it, and the keys that it has."""
