"""pip's resolvers under a policy: flexible mode, and what observing needs."""
