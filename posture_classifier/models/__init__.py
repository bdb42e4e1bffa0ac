"""Networks: the classifier, its backbones and weights, stages, heads, and the frozen prefix."""
