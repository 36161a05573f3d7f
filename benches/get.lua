-- Nothing to do but to answer.
dofile("benches/post.lua")
wrk.method = "GET"
wrk.body = nil
wrk.headers["Content-Type"] = nil
